"""What an offer says: its fields, in the locale of the question, with attributes filled into its texts."""

from nearwise_rules.content.compiling import Content, compile_content
from nearwise_rules.content.fields import CONTENT_TYPES
from nearwise_rules.content.locales import Locales, locale_chain

__all__ = ["CONTENT_TYPES", "Content", "Locales", "compile_content", "locale_chain"]
