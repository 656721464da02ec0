"""How fast the engines are, beside each other and beside a loop written the way tutorials do it."""
