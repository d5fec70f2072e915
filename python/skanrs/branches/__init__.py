"""Tables of branches and what is computed from them."""
