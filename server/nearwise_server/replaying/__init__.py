"""Work on recorded decisions: files of them read in pieces, repeated or held against a draft, by several processes."""

from nearwise_server.replaying.crew import Job, run_pieces
from nearwise_server.replaying.records import Piece, pieces_of, roots_in
from nearwise_server.replaying.repeating import Mismatch, Repeat, Repeated, all_repeated
from nearwise_server.replaying.simulating import Simulate, Simulated, all_simulated

__all__ = [
    "Job",
    "Mismatch",
    "Piece",
    "Repeat",
    "Repeated",
    "Simulate",
    "Simulated",
    "all_repeated",
    "all_simulated",
    "pieces_of",
    "roots_in",
    "run_pieces",
]
