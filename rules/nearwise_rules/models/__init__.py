"""Small scorers evaluated on the device: a document in, a number for each question out."""

from nearwise_rules.models.linear import Linear
from nearwise_rules.models.neighbours import Neighbours
from nearwise_rules.models.scorers import Scorer, Sums, compile_model

__all__ = ["Linear", "Neighbours", "Scorer", "Sums", "compile_model"]
