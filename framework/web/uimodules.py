"""(H4 replaces this file.)"""

from __future__ import annotations

from typing import Any

__all__ = ["BUILT_IN_MODULES", "TemplateModule", "UIModule"]


class UIModule:
    def __init__(self, handler: Any) -> None:
        self.handler = handler


class TemplateModule(UIModule):
    pass


BUILT_IN_MODULES: dict[str, type[UIModule]] = {"Template": TemplateModule}
