"""The screens; each has its styles in a .tcss beside it."""
