//! Why a message is not of the state it meets.

/// The caller drops the message: it proves nothing against anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The sender is no member, or excluded.
    Stranger,
    /// The phase does not ask for this.
    OutOfPhase,
    /// The sender has sent this already.
    Duplicate,
    /// It is about something else: another transcript, nobody, too many or too few inputs.
    Mismatch,
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Stranger => "the sender is no member or excluded: do not send",
            Self::OutOfPhase => "not asked for in this phase: wait for it or drop the message",
            Self::Duplicate => "sent already: drop the message",
            Self::Mismatch => "about something else: read the state again",
        })
    }
}
