//! Who hands in transactions one after the other.

use crate::types::Address;
use tokio::sync::{Mutex, MutexGuard};

/// Turns to take: enough that senders rarely wait for others.
const TURNS: usize = 256;

/// One submission of a sender at a time, so that the checks of each see what came before it: else two at once could
/// both spend the same balance, or both take the same nonce. Some senders share a turn.
pub(super) struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Turns {
    /// Waits until it is the turn of `sender`, which ends with what is returned.
    pub(super) async fn take(&self, sender: Address) -> MutexGuard<'_, ()> {
        let [.., last] = sender.into_array();
        self.0[usize::from(last)].lock().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn sender_waits_for_itself_and_not_for_another() {
        let turns = Turns::default();
        let (one, other) = (Address::repeat_byte(0xff), Address::repeat_byte(0xfe));
        let turn = turns.take(one).now_or_never().unwrap();
        assert!(turns.take(one).now_or_never().is_none());
        assert!(turns.take(other).now_or_never().is_some());
        drop(turn);
        assert!(turns.take(one).now_or_never().is_some());
    }
}
