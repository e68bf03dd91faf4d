"""The floor of what Textual costs: one line of text."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class BareApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("a bare app")


if __name__ == "__main__":
    BareApp().run()
