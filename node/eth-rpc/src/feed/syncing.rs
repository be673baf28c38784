//! Whether the node is catching up, as `eth_subscribe("syncing")` tells it.

use crate::{chain::Chain, types::Sync};
use sc_client_api::HeaderBackend;
use serde::{ser::SerializeStruct, Serialize, Serializer};
use sp_consensus::SyncOracle;
use std::time::Duration;
use tokio::{sync::watch, time};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_secs(1);
/// While it lasts, progress is told every so many looks.
const PROGRESS_EVERY: u32 = 10;

/// How far a sync is, in Ethereum block numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The newest block when it began.
    pub starting: u64,
    /// The newest block now.
    pub current: u64,
    /// The most that the newest block can be when it ends: each Substrate block that is missing
    /// may close one Ethereum block, and most close none.
    pub highest: u64,
}

/// What is told to subscribers: an object while the node is catching up, `false` otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncState(pub Option<Progress>);

impl Serialize for SyncState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(progress) = self.0 else { return serializer.serialize_bool(false) };
        let mut object = serializer.serialize_struct("SyncState", 2)?;
        object.serialize_field("syncing", &true)?;
        object.serialize_field("status", &progress)?;
        object.end()
    }
}

impl Serialize for Progress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Progress", 3)?;
        object.serialize_field("startingBlock", &format_args!("{:#x}", self.starting))?;
        object.serialize_field("currentBlock", &format_args!("{:#x}", self.current))?;
        object.serialize_field("highestBlock", &format_args!("{:#x}", self.highest))?;
        object.end()
    }
}

/// What the node knows at one look.
#[derive(Clone, Copy, Debug)]
struct Look {
    syncing: bool,
    /// The newest Ethereum block.
    current: u64,
    /// Substrate blocks that are missing.
    missing: u64,
}

/// Decides when subscribers hear of it: at the beginning, now and then, and at the end.
#[derive(Debug, Default)]
struct Tracker {
    state: SyncState,
    looks: u32,
}

impl Tracker {
    /// The new state if it is to be told.
    fn look(&mut self, look: Look) -> Option<SyncState> {
        let next = look.syncing.then(|| Progress {
            starting: self.state.0.map_or(look.current, |before| before.starting),
            current: look.current,
            highest: look.current.saturating_add(look.missing),
        });
        let turned = next.is_some() != self.state.0.is_some();
        self.looks = if turned { 0 } else { self.looks.saturating_add(1) };
        let due = next.is_some() && self.looks >= PROGRESS_EVERY;
        if !turned && !due {
            return None;
        }
        self.looks = 0;
        self.state = SyncState(next);
        Some(self.state)
    }
}

/// Looks for ever.
pub(super) async fn follow(chain: Chain, sync: Sync, states: watch::Sender<SyncState>) {
    let mut tracker = Tracker::default();
    let mut ticks = time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let syncing = sync.is_major_syncing();
        let mut look = Look { syncing, current: 0, missing: 0 };
        if syncing {
            let best = chain.client().info().best_number;
            let target = sync.status().await.ok().and_then(|status| status.best_seen_block);
            look.missing = u64::from(target.unwrap_or(best).saturating_sub(best));
            look.current = chain.head().map(|head| head.number).unwrap_or_default();
        }
        if let Some(state) = tracker.look(look) {
            states.send_replace(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(syncing: bool, current: u64, missing: u64) -> Look {
        Look { syncing, current, missing }
    }

    #[test]
    fn beginning_progress_and_end_are_told_once_each() {
        let mut tracker = Tracker::default();
        assert_eq!(tracker.look(look(false, 0, 0)), None);
        let begun = SyncState(Some(Progress { starting: 5, current: 5, highest: 25 }));
        assert_eq!(tracker.look(look(true, 5, 20)), Some(begun));
        for _ in 1..PROGRESS_EVERY {
            assert_eq!(tracker.look(look(true, 6, 10)), None);
        }
        let further = SyncState(Some(Progress { starting: 5, current: 7, highest: 9 }));
        assert_eq!(tracker.look(look(true, 7, 2)), Some(further));
        assert_eq!(tracker.look(look(false, 9, 0)), Some(SyncState(None)));
        assert_eq!(tracker.look(look(false, 9, 0)), None);
    }

    #[test]
    fn state_has_geths_shape() {
        let state = SyncState(Some(Progress { starting: 1, current: 16, highest: 255 }));
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(
            json,
            r#"{"syncing":true,"status":{"startingBlock":"0x1","currentBlock":"0x10","highestBlock":"0xff"}}"#
        );
        assert_eq!(serde_json::to_string(&SyncState(None)).unwrap(), "false");
    }
}
