"""What the command `skanrs` does, a module for each subcommand; `skanrs.cli` reads arguments."""
