"""What the command `skanrs` does, one module for each subcommand; `skanrs.cli` reads its arguments."""
