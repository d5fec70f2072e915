"""Gray images: parts of them, and what passes over the parts find."""
