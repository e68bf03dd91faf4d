"""Deciding whom to ask and remembering the answers. Knows no terminal and no HTTP."""
