"""The yardstick for start-up: an app that composes the stock widgets somebody would begin with."""

from textual.app import App, ComposeResult
from textual.widgets import DataTable, Footer, Header, Input


class StockApp(App[None]):
    """Header, input, a table of twenty rows, footer."""

    def compose(self) -> ComposeResult:
        yield Header()
        yield Input(placeholder="type an instance ID")
        yield DataTable[str]()
        yield Footer()

    def on_mount(self) -> None:
        table = self.query_one(DataTable[str])
        table.add_columns("Status", "Name", "ID")
        for number in range(20):
            table.add_row("Running", f"dwd_table_{number}", str(10432987165 + number))


if __name__ == "__main__":
    StockApp().run()
