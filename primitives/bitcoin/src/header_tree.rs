//! The tree of valid headers above an anchor; the branch with most work is the chain.

use crate::{
    refusal::Refusal,
    rules::{Rules, BIP54_STEP_BACK_SECS, BIP94_STEP_BACK_SECS, FUTURE_LIMIT_SECS, MEDIAN_SPAN},
    target::{target_of, work_of},
};
use alloc::{collections::BTreeMap, vec, vec::Vec};
use alloy_primitives::U256;
use bitcoin::{block::Header, BlockHash, CompactTarget, Target};

/// What a retarget needs of the first header of its period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeriodStart {
    /// Unix seconds.
    pub time: u32,
    /// The header's bits; the base of a retarget under BIP-94.
    pub bits: CompactTarget,
}

/// Where a tree begins when not at genesis: a header that is trusted, and what is known of those before.
///
/// What is not given is not guessed: a rule that needs it refuses only what no past could make valid. So with fewer
/// than eleven earlier times the median is taken as low as it can be, a retarget without `period_start` must stay
/// within a factor of four, and on testnets the bits after an unbroken run of minimum-difficulty headers may be any.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// The trusted header.
    pub header: Header,
    /// Its height.
    pub height: u32,
    /// Times of the headers before it, the latest first; at most ten are of use.
    pub earlier_times: Vec<u32>,
    /// The first header of its difficulty period, when the anchor is not that itself.
    pub period_start: Option<PeriodStart>,
    /// Work of all headers before it; zero when only the work from here on matters.
    pub earlier_work: U256,
}

/// A header that was accepted.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The header.
    pub header: Header,
    /// Its height.
    pub height: u32,
    /// Work from the tree's first header up to and including this one, in expected hashes.
    pub work: U256,
    /// First header of its difficulty period; `None` below an anchor that does not know it.
    period_start: Option<PeriodStart>,
    /// The bits that the next header has when no exception applies: on networks with minimum-difficulty blocks
    /// those of the last regular header in the period. `None` below an anchor that does not know it.
    regular_bits: Option<CompactTarget>,
}

/// What an accepted header did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The header's height.
    pub height: u32,
    /// Its effect on the chain.
    pub change: Change,
    /// It breaks BIP-54's timestamp rules. They do not bind today, so the header counts, but somebody may be
    /// driving the difficulty down: stop minting.
    pub time_warp: bool,
}

/// The effect of a header on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was known before; nothing changed.
    Known,
    /// It lies on a branch without more work than the chain.
    Fork,
    /// It extends the chain.
    Tip,
    /// Its branch became the chain.
    Reorg {
        /// Height of the last header that both chains share.
        fork_height: u32,
        /// How many headers left the chain.
        depth: u32,
    },
}

/// All valid headers above an anchor. With equal work the branch that was seen first is the chain.
#[derive(Clone, Debug)]
pub struct HeaderTree {
    rules: Rules,
    entries: BTreeMap<BlockHash, Entry>,
    /// The chain, from the first header of the tree to the tip.
    chain: Vec<BlockHash>,
    tip: (BlockHash, Entry),
    first_height: u32,
    earlier_times: Vec<u32>,
}

impl HeaderTree {
    /// A tree that holds the network's genesis header.
    pub fn new(rules: Rules) -> Self {
        let header = *rules.genesis();
        let limit = rules.params().max_attainable_target;
        let work = target_of(header.bits, limit).map(work_of).unwrap_or_default();
        let period_start = Some(PeriodStart { time: header.time, bits: header.bits });
        let regular_bits = Some(header.bits);
        Self::begin(
            rules,
            Entry { header, height: 0, work, period_start, regular_bits },
            Vec::new(),
        )
    }

    /// A tree that begins at `anchor`, of which only the work, the clock (`now`, Unix seconds) and the version are
    /// judged.
    ///
    /// # Errors
    /// The [`Refusal`] of the anchor; at height 0 it must be the genesis header.
    pub fn anchored(rules: Rules, anchor: Anchor, now: u32) -> Result<Self, Refusal> {
        let Anchor { header, height, mut earlier_times, period_start, earlier_work } = anchor;
        if height == 0 {
            let (found, expected) = (header.block_hash(), rules.genesis().block_hash());
            return match found == expected {
                true => Ok(Self::new(rules)),
                false => Err(Refusal::NotGenesis { found, expected }),
            };
        }
        let target = check_work(&rules, &header)?;
        check_clock_and_version(&rules, &header, height, now)?;
        earlier_times.truncate(MEDIAN_SPAN);
        let own = PeriodStart { time: header.time, bits: header.bits };
        let entry = Entry {
            header,
            height,
            work: earlier_work.saturating_add(work_of(target)),
            period_start: if rules.starts_period(height) { Some(own) } else { period_start },
            regular_bits: (!is_exception(&rules, &header, height)).then_some(header.bits),
        };
        Ok(Self::begin(rules, entry, earlier_times))
    }

    fn begin(rules: Rules, entry: Entry, earlier_times: Vec<u32>) -> Self {
        let hash = entry.header.block_hash();
        Self {
            rules,
            entries: BTreeMap::from([(hash, entry)]),
            chain: vec![hash],
            tip: (hash, entry),
            first_height: entry.height,
            earlier_times,
        }
    }

    /// Judges `header` at the time `now` (Unix seconds) and keeps it when it is valid.
    ///
    /// # Errors
    /// The first rule that it breaks; the tree is then unchanged.
    pub fn insert(&mut self, header: Header, now: u32) -> Result<Accepted, Refusal> {
        let hash = header.block_hash();
        if let Some(known) = self.entries.get(&hash) {
            return Ok(Accepted { height: known.height, change: Change::Known, time_warp: false });
        }
        let target = check_work(&self.rules, &header)?;
        let parent = *self
            .entries
            .get(&header.prev_blockhash)
            .ok_or(Refusal::UnknownParent { parent: header.prev_blockhash })?;
        let height = parent.height.checked_add(1).ok_or(Refusal::HeightOverflow)?;
        self.check_bits(&header, height, &parent)?;
        let median = self.median_time(&header.prev_blockhash);
        if header.time <= median {
            return Err(Refusal::TimeTooOld { time: header.time, median });
        }
        let starts_period = self.rules.starts_period(height);
        let step_back = parent.header.time.saturating_sub(header.time);
        if self.rules.bip94() && starts_period && step_back > BIP94_STEP_BACK_SECS {
            return Err(Refusal::TimeWarp { time: header.time, previous: parent.header.time });
        }
        check_clock_and_version(&self.rules, &header, height, now)?;

        let own = PeriodStart { time: header.time, bits: header.bits };
        let exception = is_exception(&self.rules, &header, height);
        let entry = Entry {
            header,
            height,
            work: parent.work.saturating_add(work_of(target)),
            period_start: if starts_period { Some(own) } else { parent.period_start },
            regular_bits: if exception { parent.regular_bits } else { Some(header.bits) },
        };
        // BIP-54: neither a step back between periods nor a period of negative length.
        let time_warp = (starts_period && step_back > BIP54_STEP_BACK_SECS)
            || (self.rules.ends_period(height)
                && parent.period_start.is_some_and(|start| header.time < start.time));
        self.entries.insert(hash, entry);
        let change = self.follow_most_work(hash, entry);
        Ok(Accepted { height, change, time_warp })
    }

    /// The hash and entry of the chain's last header.
    pub fn tip(&self) -> (BlockHash, &Entry) {
        (self.tip.0, &self.tip.1)
    }

    /// The entry of a header on any branch.
    pub fn get(&self, hash: &BlockHash) -> Option<&Entry> {
        self.entries.get(hash)
    }

    /// The hash of the chain's header at `height`.
    pub fn hash_at(&self, height: u32) -> Option<BlockHash> {
        let offset = height.checked_sub(self.first_height)?;
        self.chain.get(usize::try_from(offset).ok()?).copied()
    }

    /// Whether `hash` lies on the chain.
    pub fn in_chain(&self, hash: &BlockHash) -> bool {
        self.get(hash).is_some_and(|entry| self.hash_at(entry.height) == Some(*hash))
    }

    /// How many headers of the chain confirm what is in block `hash`, itself included; 0 off the chain.
    pub fn confirmations(&self, hash: &BlockHash) -> u32 {
        match self.get(hash) {
            Some(entry) if self.in_chain(hash) => {
                self.tip.1.height.saturating_sub(entry.height).saturating_add(1)
            }
            _ => 0,
        }
    }

    /// The height of the tree's first header.
    pub fn first_height(&self) -> u32 {
        self.first_height
    }

    /// The number of headers on all branches.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Never: a tree holds at least its first header.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The rules that the tree judges by.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The median time of the eleven headers that end with `hash` (BIP-113).
    ///
    /// Fewer at genesis. Below an anchor without a known past the missing times count as 0, which gives the lowest
    /// median that is possible.
    pub fn median_time(&self, hash: &BlockHash) -> u32 {
        let mut times = Vec::with_capacity(MEDIAN_SPAN);
        let mut next = self.entries.get(hash);
        while let Some(entry) = next.filter(|_| times.len() < MEDIAN_SPAN) {
            times.push(entry.header.time);
            next = self.entries.get(&entry.header.prev_blockhash);
        }
        let missing = MEDIAN_SPAN.saturating_sub(times.len());
        times.extend(self.earlier_times.iter().take(missing));
        let known_past = usize::try_from(self.first_height).unwrap_or(usize::MAX);
        if self.earlier_times.len() < known_past {
            times.resize(MEDIAN_SPAN, 0);
        }
        times.sort_unstable();
        times.get(times.len() >> 1).copied().unwrap_or_default()
    }

    /// Core's `GetNextWorkRequired`, and its `PermittedDifficultyTransition` where the past is not known.
    fn check_bits(&self, header: &Header, height: u32, parent: &Entry) -> Result<(), Refusal> {
        let params = self.rules.params();
        let easiest = params.max_attainable_target.to_compact_lossy();
        let retargeted =
            |base, timespan| CompactTarget::from_next_work_required(base, timespan, params);
        let found = header.bits;
        let expected = if self.rules.starts_period(height) {
            let base = match self.rules.bip94() {
                true => parent.period_start.map(|start| start.bits),
                false => Some(parent.header.bits),
            };
            match (base, parent.period_start) {
                (Some(base), _) if params.no_pow_retargeting => Some(base),
                (Some(base), Some(start)) => {
                    // A period that ends before it begins counts as the shortest.
                    let timespan = parent.header.time.saturating_sub(start.time);
                    Some(retargeted(base, timespan.into()))
                }
                (Some(base), None) => {
                    let (hardest, easiest) = (retargeted(base, 0), retargeted(base, u64::MAX));
                    let target = Target::from_compact(found);
                    let range = Target::from_compact(hardest)..=Target::from_compact(easiest);
                    return match range.contains(&target) {
                        true => Ok(()),
                        false => Err(Refusal::BitsOutOfRange { found, hardest, easiest }),
                    };
                }
                (None, _) => None,
            }
        } else if params.allow_min_difficulty_blocks {
            let spacing = params.pow_target_spacing;
            let late = u64::from(parent.header.time).saturating_add(spacing.saturating_mul(2));
            if u64::from(header.time) > late {
                Some(easiest)
            } else {
                parent.regular_bits
            }
        } else {
            Some(parent.header.bits)
        };
        match expected {
            Some(expected) if expected != found => Err(Refusal::WrongBits { found, expected }),
            _ => Ok(()),
        }
    }

    /// Makes the branch of `entry`, whose parent is known, the chain when it has more work.
    fn follow_most_work(&mut self, hash: BlockHash, entry: Entry) -> Change {
        if entry.work <= self.tip.1.work {
            return Change::Fork;
        }
        let old_height = self.tip.1.height;
        let extends = entry.header.prev_blockhash == self.tip.0;
        self.tip = (hash, entry);
        if extends {
            self.chain.push(hash);
            return Change::Tip;
        }
        let mut branch = vec![hash];
        let mut parent = entry.header.prev_blockhash;
        while let Some(entry) = self.entries.get(&parent).filter(|_| !self.in_chain(&parent)) {
            branch.push(parent);
            parent = entry.header.prev_blockhash;
        }
        let fork_height = self.entries.get(&parent).map_or(self.first_height, |fork| fork.height);
        let kept = fork_height.saturating_sub(self.first_height).saturating_add(1);
        self.chain.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
        self.chain.extend(branch.into_iter().rev());
        Change::Reorg { fork_height, depth: old_height.saturating_sub(fork_height) }
    }
}

/// The target of the header's own bits, which its hash must meet.
fn check_work(rules: &Rules, header: &Header) -> Result<Target, Refusal> {
    let bits = header.bits;
    let target = target_of(bits, rules.params().max_attainable_target)
        .ok_or(Refusal::InvalidTarget { bits })?;
    let hash = header.block_hash();
    if target.is_met_by(hash) {
        Ok(target)
    } else {
        Err(Refusal::HashAboveTarget { hash, bits })
    }
}

fn check_clock_and_version(
    rules: &Rules,
    header: &Header,
    height: u32,
    now: u32,
) -> Result<(), Refusal> {
    if header.time > now.saturating_add(FUTURE_LIMIT_SECS) {
        return Err(Refusal::TimeTooNew { time: header.time, now });
    }
    let (version, least) = (header.version.to_consensus(), rules.least_version(height));
    if version < least {
        return Err(Refusal::OldVersion { version, least });
    }
    Ok(())
}

/// Whether the header has minimum difficulty by way of the testnets' exception, so that the next one looks past it.
fn is_exception(rules: &Rules, header: &Header, height: u32) -> bool {
    let params = rules.params();
    params.allow_min_difficulty_blocks
        && !params.no_pow_retargeting
        && !rules.starts_period(height)
        && header.bits == params.max_attainable_target.to_compact_lossy()
}
