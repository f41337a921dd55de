"""What of the buffer has to be sent: bookkeeping over sequence numbers, without any IO.

A pack is *held* until it is stored. It is due to be sent when the cloud has not accepted it and
it is not under way. Being under way expires: numbers sent are kept in two generations, and
each turn of the generations frees the older one. So a pack is sent again after one to two turns
without a receipt, and a million packs under way cost no more than their ranges.
"""

from wire.ranges import RangeSet
from wire.receipt import Receipt

RESEND_S = 15.0
RESEND_MOST_S = 300.0
"""While nothing at all is accepted, a turn takes ever longer: a cloud that is away for days must
not have the same packs pressed into its broker every few seconds."""

NOTHING = RangeSet()


class Delivery:
    """The state of every pack held. Times are monotonic seconds, passed in."""

    def __init__(self, epoch: str, held: RangeSet, *, now: float, hole_s: float = 180.0) -> None:
        self.epoch = epoch
        self.held = held
        self.accepted = NOTHING
        self.log: str | None = None
        self._again = NOTHING
        self._young = NOTHING
        self._old = NOTHING
        self._patience = RESEND_S
        self._progress = False
        self._turn_at = now + self._patience
        self._hole_s = hole_s
        self._holes = NOTHING
        self._holes_at = now + hole_s
        self._top_stored = -1

    def added(self, numbers: RangeSet) -> None:
        """Packs have been written."""
        self.held |= numbers

    def dropped(self, numbers: RangeSet) -> None:
        """Packs have been thrown away."""
        self.held -= numbers
        self.accepted -= numbers

    def under_way(self) -> RangeSet:
        """Sent, neither accepted nor given up yet."""
        return ((self._young | self._old) & self.held) - self.accepted

    def due(self) -> RangeSet:
        """Return what should be sent now."""
        due = self.held - self.accepted - self._young - self._old
        return due | (self._again & self.held) if self._again else due

    def sent(self, numbers: RangeSet) -> None:
        """Packs are on their way."""
        self._young |= numbers
        if self._again:
            self._again -= numbers

    def not_sent(self, numbers: RangeSet) -> None:
        """Packs turned out not to have left, or to have been refused: they are due again."""
        self._young -= numbers
        self._old -= numbers

    def connection_lost(self) -> None:
        """Forget what was under way: a broker's acknowledgement alone is no delivery."""
        self._young = self._old = NOTHING

    def receipt(self, receipt: Receipt) -> RangeSet:
        """Take in a receipt; return the numbers held that are now stored and may be forgotten.

        Receipts are cumulative and united, so that a bridge that has forgotten what it accepted
        takes nothing back; only a new log does, since what was in the old one may be gone.
        """
        if receipt.epoch != self.epoch:
            return NOTHING
        if receipt.log != self.log:
            if self.log is not None:
                self.accepted = NOTHING
                self.connection_lost()
            self.log = receipt.log
        accepted = (self.accepted | receipt.accepted) & self.held
        stored = receipt.stored & self.held
        self._progress = self._progress or bool(stored) or accepted != self.accepted
        self.held -= stored
        self.accepted = accepted - stored
        if receipt.stored:
            self._top_stored = max(self._top_stored, receipt.stored.ranges[-1][1])
        return stored

    def tick(self, now: float) -> None:
        """Let time pass: give up waiting for what was sent long ago, look for old holes."""
        if now >= self._turn_at:
            self._turn(now)
        if now >= self._holes_at:
            self._look_for_holes(now)

    def _turn(self, now: float) -> None:
        overdue = (self._old & self.held) - self.accepted
        if self._progress:
            self._patience = RESEND_S
        elif overdue:
            self._patience = min(self._patience * 2, RESEND_MOST_S)
        self._old, self._young = self._young, NOTHING
        self._progress = False
        self._turn_at = now + self._patience

    def _look_for_holes(self, now: float) -> None:
        """Send again what stayed unstored below the highest stored number for a whole period.

        Accepted or not: the log may have thrown it away before the stream came to it.
        """
        holes = self.held & RangeSet(((0, self._top_stored),)) if self._top_stored >= 0 else NOTHING
        self._again = holes & self._holes
        self._holes = holes
        self._holes_at = now + self._hole_s
