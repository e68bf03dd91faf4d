"""The screens, and their styles: the main one's, those of what lies over it, those of the views."""
