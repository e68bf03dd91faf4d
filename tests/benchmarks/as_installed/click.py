"""Stands in for click, which comes with the tools of development and not with the app.

Where it is there, httpx imports its own command line with it, which takes longer than all the rest.
"""

raise ImportError("click is not there for those who only use the app")
