//! The time that a block gets.

use super::{Block, FullClient, Hash};
use sp_consensus_babe::{inherents::InherentDataProvider as SlotInherent, Slot, SlotDuration};
use sp_inherents::CreateInherentDataProviders;
use sp_timestamp::{InherentDataProvider as TimestampInherent, Timestamp};
use std::{error::Error, sync::Arc};

/// Dates blocks by the clock of this machine.
#[derive(Clone)]
pub(crate) struct Clock {
    client: Arc<FullClient>,
    slot_duration: SlotDuration,
    /// Blocks on demand come faster than slots, and each needs a slot of its own.
    may_run_ahead: bool,
}

impl Clock {
    /// With `may_run_ahead` a block comes at least one slot after its parent, whatever the time is.
    pub(crate) fn new(
        client: Arc<FullClient>,
        slot_duration: SlotDuration,
        may_run_ahead: bool,
    ) -> Self {
        Self { client, slot_duration, may_run_ahead }
    }

    /// The first moment that a child of `parent` can have.
    fn earliest(&self, parent: Hash) -> Result<Timestamp, Box<dyn Error + Send + Sync>> {
        let header = self.client.header(parent)?.ok_or("the parent is not in the database")?;
        let slot: Slot = sc_consensus_babe::find_pre_digest::<Block>(&header)?.slot();
        slot.saturating_add(1u64)
            .timestamp(self.slot_duration)
            .ok_or_else(|| "the parent's slot is beyond the end of time".into())
    }
}

#[async_trait::async_trait]
impl CreateInherentDataProviders<Block, ()> for Clock {
    type InherentDataProviders = (SlotInherent, TimestampInherent);

    async fn create_inherent_data_providers(
        &self,
        parent: Hash,
        _extra: (),
    ) -> Result<Self::InherentDataProviders, Box<dyn Error + Send + Sync>> {
        let mut now = Timestamp::current();
        if self.may_run_ahead {
            now = now.max(self.earliest(parent)?);
        }
        let slot = SlotInherent::from_timestamp_and_slot_duration(now, self.slot_duration);
        Ok((slot, TimestampInherent::new(now)))
    }
}
