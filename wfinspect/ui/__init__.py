"""The screen: the only package that knows Textual. Shows snapshots and passes intents on."""
