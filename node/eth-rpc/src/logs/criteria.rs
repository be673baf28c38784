//! Which logs a client wants.

use crate::types::{address, b256, Address, B256};
use bzk_evm::receipt::Log;

/// Addresses and topics of the wanted logs, as geth reads them.
///
/// A log matches if its address is one of `addresses` and, at each position of `topics`, its topic
/// is one of the alternatives. No alternatives means any; a position that the log does not have
/// never matches, not even any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Criteria {
    addresses: Vec<Address>,
    topics: Vec<Vec<B256>>,
}

impl Criteria {
    /// Wants these addresses and topics. Order and repetition do not matter.
    pub fn new(mut addresses: Vec<Address>, mut topics: Vec<Vec<B256>>) -> Self {
        addresses.sort_unstable();
        addresses.dedup();
        for alternatives in &mut topics {
            alternatives.sort_unstable();
            alternatives.dedup();
        }
        Self { addresses, topics }
    }

    /// The wanted addresses, sorted; none means any.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The wanted topics by position, each sorted; none at a position means any.
    pub fn topics(&self) -> &[Vec<B256>] {
        &self.topics
    }

    /// Number of addresses and topics: what it takes to keep the criteria.
    pub fn size(&self) -> usize {
        self.topics.iter().map(Vec::len).fold(self.addresses.len(), usize::saturating_add)
    }

    /// Whether this log is wanted.
    pub fn matches(&self, log: &Log) -> bool {
        let topics = log.topics.iter().map(|topic| b256(*topic));
        self.topics.len() <= log.topics.len()
            && any_or_one_of(&self.addresses, &address(log.address))
            && self.topics.iter().zip(topics).all(|(wanted, topic)| any_or_one_of(wanted, &topic))
    }
}

fn any_or_one_of<T: Ord>(sorted: &[T], value: &T) -> bool {
    sorted.is_empty() || sorted.binary_search(value).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sp_core::{H160, H256};

    fn log(address: u8, topics: &[u8]) -> Log {
        let topics = topics.iter().map(|byte| H256::repeat_byte(*byte)).collect();
        Log { address: H160::repeat_byte(address), topics, data: vec![] }
    }

    fn criteria(addresses: &[u8], topics: &[&[u8]]) -> Criteria {
        let topic = |bytes: &&[u8]| bytes.iter().map(|byte| B256::repeat_byte(*byte)).collect();
        let addresses = addresses.iter().map(|byte| Address::repeat_byte(*byte)).collect();
        Criteria::new(addresses, topics.iter().map(topic).collect())
    }

    #[test]
    fn empty_criteria_match_every_log() {
        assert!(Criteria::default().matches(&log(1, &[])));
        assert!(Criteria::default().matches(&log(1, &[1, 2, 3, 4])));
    }

    #[test]
    fn one_of_several_addresses_is_enough() {
        let wanted = criteria(&[9, 1, 5], &[]);
        assert!(wanted.matches(&log(5, &[])));
        assert!(wanted.matches(&log(9, &[1])));
        assert!(!wanted.matches(&log(2, &[])));
    }

    #[test]
    fn topics_are_matched_by_position() {
        let wanted = criteria(&[], &[&[1], &[2]]);
        assert!(wanted.matches(&log(0, &[1, 2])));
        assert!(wanted.matches(&log(0, &[1, 2, 3])));
        assert!(!wanted.matches(&log(0, &[2, 1])));
        assert!(!wanted.matches(&log(0, &[1])));
    }

    #[test]
    fn alternatives_at_a_position_are_ored() {
        let wanted = criteria(&[], &[&[1], &[3, 2]]);
        assert!(wanted.matches(&log(0, &[1, 2])));
        assert!(wanted.matches(&log(0, &[1, 3])));
        assert!(!wanted.matches(&log(0, &[1, 4])));
    }

    #[test]
    fn wildcard_position_matches_any_topic_but_not_a_missing_one() {
        let wanted = criteria(&[], &[&[], &[2]]);
        assert!(wanted.matches(&log(0, &[7, 2])));
        assert!(!wanted.matches(&log(0, &[2])));
        let trailing = criteria(&[], &[&[1], &[]]);
        assert!(trailing.matches(&log(0, &[1, 9])));
        assert!(!trailing.matches(&log(0, &[1])));
    }

    #[test]
    fn address_and_topics_must_both_match() {
        let wanted = criteria(&[1], &[&[2]]);
        assert!(wanted.matches(&log(1, &[2])));
        assert!(!wanted.matches(&log(2, &[2])));
        assert!(!wanted.matches(&log(1, &[1])));
    }

    #[test]
    fn size_counts_every_value_once() {
        assert_eq!(criteria(&[1, 1, 2], &[&[1, 1], &[], &[3]]).size(), 4);
    }

    proptest! {
        /// Against the definition, written as plainly as possible.
        #[test]
        fn prop_matching_is_the_definition(
            addresses in prop::collection::vec(0u8..4, 0..3),
            topics in prop::collection::vec(prop::collection::vec(0u8..3, 0..3), 0..5),
            logged in (0u8..4, prop::collection::vec(0u8..3, 0..5)),
        ) {
            let slices: Vec<&[u8]> = topics.iter().map(Vec::as_slice).collect();
            let mut expected = addresses.is_empty() || addresses.contains(&logged.0);
            for (position, wanted) in topics.iter().enumerate() {
                expected &= match logged.1.get(position) {
                    Some(topic) => wanted.is_empty() || wanted.contains(topic),
                    None => false,
                };
            }
            let got = criteria(&addresses, &slices).matches(&log(logged.0, &logged.1));
            prop_assert_eq!(got, expected);
        }
    }
}
