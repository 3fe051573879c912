"""Which body each named block of a template has, after inheritance."""

from __future__ import annotations

from collections.abc import Callable

from framework.template.nodes import Apply, Block, Control, Document, Include, Node

__all__ = ["Load", "collect_blocks"]

# Finds what a document includes.
Load = Callable[[Document, Include], Document]


def collect_blocks(document: Document, body: list[Node], blocks: dict[str, Block], load: Load) -> None:
    """Enter the blocks of `body` into `blocks`; of those with the same name the last one counts.

    Called for the outermost ancestor first, so that children replace what they inherit.
    """
    for node in body:
        if isinstance(node, Block):
            blocks[node.name] = node
            collect_blocks(document, node.body, blocks, load)
        elif isinstance(node, Apply):
            collect_blocks(document, node.body, blocks, load)
        elif isinstance(node, Control):
            for branch in node.branches:
                collect_blocks(document, branch.body, blocks, load)
        elif isinstance(node, Include):
            included = load(document, node)
            collect_blocks(included, included.body, blocks, load)
