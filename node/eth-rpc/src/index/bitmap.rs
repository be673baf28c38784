//! A set of block numbers within one chunk.

use super::entry::Damaged;

/// Block numbers in one chunk.
pub(crate) const CHUNK: u64 = 4_096;
/// Words of 64 bits in one chunk.
const WORDS: usize = 64;
/// Bytes of the dense form.
const DENSE_BYTES: usize = 512;
/// Numbers from which the dense form is shorter.
const SPARSE_MAX: usize = DENSE_BYTES / 2;

/// Numbers 0..4096, relative to the start of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bitmap([u64; WORDS]);

impl Bitmap {
    pub(crate) const EMPTY: Self = Self([0; WORDS]);
    pub(crate) const FULL: Self = Self([u64::MAX; WORDS]);

    /// Position of a block number in its chunk.
    pub(crate) fn position(number: u64) -> u16 {
        (number % CHUNK) as u16
    }

    /// Adds a position; positions past the chunk are left out.
    pub(crate) fn insert(&mut self, position: u16) {
        if let Some(word) = self.0.get_mut(usize::from(position / 64)) {
            *word |= 1 << (position % 64);
        }
    }

    pub(crate) fn contains(&self, position: u16) -> bool {
        self.0
            .get(usize::from(position / 64))
            .is_some_and(|word| word & (1 << (position % 64)) != 0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(crate) fn union(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    pub(crate) fn intersect(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
    }

    /// Positions in rising order.
    pub(crate) fn positions(&self) -> impl Iterator<Item = u16> + '_ {
        (0..CHUNK as u16).filter(|position| self.contains(*position))
    }

    /// Short sets as a list of two-byte positions, others as 512 bytes. The length tells which.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let count: usize = self.0.iter().map(|word| word.count_ones() as usize).sum();
        if count < SPARSE_MAX {
            self.positions().flat_map(u16::to_le_bytes).collect()
        } else {
            self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut bitmap = Self::EMPTY;
        if bytes.len() == DENSE_BYTES {
            for (word, chunk) in bitmap.0.iter_mut().zip(bytes.chunks_exact(8)) {
                *word = u64::from_le_bytes(chunk.try_into().map_err(Damaged::new)?);
            }
            return Ok(bitmap);
        }
        if bytes.len() > DENSE_BYTES || !bytes.len().is_multiple_of(2) {
            return Err(Damaged::new(format_args!("log bitmap of {} bytes", bytes.len())));
        }
        for pair in bytes.chunks_exact(2) {
            let position = u16::from_le_bytes(pair.try_into().map_err(Damaged::new)?);
            if u64::from(position) >= CHUNK {
                return Err(Damaged::new(format_args!("log bitmap with position {position}")));
            }
            bitmap.insert(position);
        }
        Ok(bitmap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn bitmap(positions: impl IntoIterator<Item = u16>) -> Bitmap {
        let mut bitmap = Bitmap::EMPTY;
        positions.into_iter().for_each(|position| bitmap.insert(position));
        bitmap
    }

    proptest! {
        #[test]
        fn prop_any_set_reads_back(positions in prop::collection::btree_set(0u16..4096, 0..600)) {
            let set = bitmap(positions.iter().copied());
            prop_assert_eq!(Bitmap::decode(&set.encode()), Ok(set.clone()));
            prop_assert_eq!(set.positions().collect::<BTreeSet<_>>(), positions);
            prop_assert!(set.encode().len() <= DENSE_BYTES);
        }

        #[test]
        fn prop_decoder_survives_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = Bitmap::decode(&bytes);
        }
    }

    #[test]
    fn both_forms_hold_at_their_border() {
        for count in [SPARSE_MAX - 1, SPARSE_MAX, CHUNK as usize] {
            let set = bitmap(0..count as u16);
            assert_eq!(Bitmap::decode(&set.encode()), Ok(set));
        }
        assert!(Bitmap::decode(&Bitmap::EMPTY.encode()).unwrap().is_empty());
    }

    #[test]
    fn damaged_bitmaps_are_refused() {
        assert!(Bitmap::decode(&[1]).is_err());
        assert!(Bitmap::decode(&[0; 514]).is_err());
        assert!(Bitmap::decode(&4096u16.to_le_bytes()).is_err());
    }

    #[test]
    fn union_and_intersection_are_those_of_sets() {
        let mut either = bitmap([1, 100]);
        either.union(&bitmap([100, 4095]));
        assert_eq!(either, bitmap([1, 100, 4095]));
        let mut both = either.clone();
        both.intersect(&bitmap([4095, 7]));
        assert_eq!(both, bitmap([4095]));
        both.intersect(&Bitmap::FULL);
        assert_eq!(both, bitmap([4095]));
    }
}
