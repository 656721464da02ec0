"""Views of a trace: text, Markdown, HTML, JSON, and a diagram of the network as SVG.

Each is a function of a trace that gives a string; the methods of `Trace` call them. `outline` says what is shown
of a large network, in all of them alike.
"""
