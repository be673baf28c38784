//! Values that are made once, used by many readers, and kept only while they are new.

use parking_lot::Mutex;
use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
};

struct Kept<T: ?Sized> {
    values: VecDeque<(Arc<T>, usize)>,
    bytes: usize,
}

/// Keeps the newest values alive, up to `max_bytes` in sum.
pub(super) struct Keeper<T: ?Sized> {
    kept: Mutex<Kept<T>>,
    max_bytes: usize,
}

impl<T: ?Sized> Keeper<T> {
    /// Keeps nothing yet.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { kept: Mutex::new(Kept { values: VecDeque::new(), bytes: 0 }), max_bytes }
    }

    fn keep(&self, value: Arc<T>, bytes: usize) {
        let kept = &mut *self.kept.lock();
        kept.values.push_back((value, bytes));
        kept.bytes = kept.bytes.saturating_add(bytes);
        // The newest value stays even if it alone is over the bound: it is in use right now.
        while kept.bytes > self.max_bytes && kept.values.len() > 1 {
            let Some((_, bytes)) = kept.values.pop_front() else { break };
            kept.bytes = kept.bytes.saturating_sub(bytes);
        }
    }
}

/// A place for a value that some [`Keeper`] or some user keeps alive.
pub(super) struct Shared<T: ?Sized>(Mutex<Option<Weak<T>>>);

impl<T: ?Sized> Default for Shared<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: ?Sized> Shared<T> {
    /// The value; `make` gives it and its size in bytes if it does not exist, or not any more.
    /// Of many that ask at once, one makes it and the others wait.
    pub(super) fn get_or_try_make<E>(
        &self,
        keeper: &Keeper<T>,
        make: impl FnOnce() -> Result<(Arc<T>, usize), E>,
    ) -> Result<Arc<T>, E> {
        let mut place = self.0.lock();
        if let Some(value) = place.as_ref().and_then(Weak::upgrade) {
            return Ok(value);
        }
        let (value, bytes) = make()?;
        *place = Some(Arc::downgrade(&value));
        keeper.keep(value.clone(), bytes);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn make(value: u8, bytes: usize) -> impl FnOnce() -> Result<(Arc<u8>, usize), Infallible> {
        move || Ok((Arc::new(value), bytes))
    }

    #[test]
    fn value_is_made_once_while_it_is_kept() {
        let (keeper, place) = (Keeper::new(10), Shared::default());
        assert_eq!(*place.get_or_try_make(&keeper, make(1, 5)).unwrap(), 1);
        assert_eq!(*place.get_or_try_make(&keeper, make(2, 5)).unwrap(), 1);
    }

    #[test]
    fn oldest_values_leave_when_bytes_run_out() {
        let keeper = Keeper::new(10);
        let places: Vec<Shared<u8>> = (0..3).map(|_| Shared::default()).collect();
        for place in &places {
            place.get_or_try_make(&keeper, make(1, 4)).unwrap();
        }
        assert_eq!(*places[0].get_or_try_make(&keeper, make(9, 0)).unwrap(), 9);
        assert_eq!(*places[1].get_or_try_make(&keeper, make(9, 0)).unwrap(), 1);
        assert_eq!(*places[2].get_or_try_make(&keeper, make(9, 0)).unwrap(), 1);
    }

    #[test]
    fn oversized_value_is_kept_alone() {
        let keeper = Keeper::new(10);
        let (small, large): (Shared<u8>, Shared<u8>) = Default::default();
        small.get_or_try_make(&keeper, make(1, 5)).unwrap();
        large.get_or_try_make(&keeper, make(2, 50)).unwrap();
        assert_eq!(*large.get_or_try_make(&keeper, make(9, 0)).unwrap(), 2);
        assert_eq!(*small.get_or_try_make(&keeper, make(9, 0)).unwrap(), 9);
    }

    #[test]
    fn value_outlives_the_keeper_while_somebody_holds_it() {
        let keeper = Keeper::new(0);
        let (first, second): (Shared<u8>, Shared<u8>) = Default::default();
        let held = first.get_or_try_make(&keeper, make(1, 5)).unwrap();
        second.get_or_try_make(&keeper, make(2, 5)).unwrap();
        assert_eq!(*first.get_or_try_make(&keeper, make(9, 0)).unwrap(), *held);
    }

    #[test]
    fn failure_leaves_the_place_empty() {
        let (keeper, place) = (Keeper::new(10), Shared::<u8>::default());
        assert_eq!(place.get_or_try_make(&keeper, || Err("no")), Err("no"));
        assert_eq!(
            place.get_or_try_make(&keeper, || Ok::<_, &str>((Arc::new(3), 1))),
            Ok(Arc::new(3))
        );
    }
}
