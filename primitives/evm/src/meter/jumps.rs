//! What the kernel does for a jump: it proves that the destination is an instruction and not the
//! data of a PUSH.
//!
//! The prover names a place before the destination from which the kernel walks instruction by
//! instruction. It may start 32 bytes before any place that no PUSH in those 32 bytes reaches;
//! failing that, at the start of the code. Each frame proves each destination it uses once.

use alloc::vec::Vec;

/// Bytes of code that the kernel checks at once.
const WINDOW: usize = 32;
const PUSH1: u8 = 0x60;
const PUSH32: u8 = 0x7f;

/// Remembered destinations. Forgetting one only charges it twice.
const REMEMBERED: usize = 256;

/// The destinations that each running frame has proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destinations {
    /// Number of the frame that runs at each depth.
    frames: Vec<u32>,
    entered: u32,
    /// A direct-mapped cache of (frame number, destination).
    seen: Vec<Option<(u32, u32)>>,
}

impl Destinations {
    pub(super) const fn new() -> Self {
        Self { frames: Vec::new(), entered: 0, seen: Vec::new() }
    }

    pub(super) fn enter(&mut self, depth: usize) {
        self.entered = self.entered.wrapping_add(1);
        if self.frames.len() <= depth {
            self.frames.resize(depth.saturating_add(1), 0);
        }
        if let Some(frame) = self.frames.get_mut(depth) {
            *frame = self.entered;
        }
    }

    /// Whether the frame at `depth` is at `destination` for the first time; remembers it.
    pub(super) fn is_new(&mut self, depth: usize, destination: usize) -> bool {
        let frame = self.frames.get(depth).copied().unwrap_or_default();
        // Code is far shorter than 2^32 bytes.
        let key = (frame, u32::try_from(destination).unwrap_or(u32::MAX));
        if self.seen.is_empty() {
            self.seen.resize(REMEMBERED, None);
        }
        // Frames spread over the cache, neighbours within a frame do not collide.
        let mixed = (key.0.wrapping_mul(0x9e37_79b9) >> 24) ^ key.1;
        match self.seen.get_mut(mixed as usize % REMEMBERED) {
            Some(slot) if *slot == Some(key) => false,
            Some(slot) => {
                *slot = Some(key);
                true
            }
            None => true,
        }
    }
}

/// Instructions that the kernel walks over to prove `destination` in `code`.
pub(super) fn proof_steps(code: &[u8], destination: usize) -> u64 {
    let start = proof_start(code, destination);
    let mut position = start;
    let mut steps = 0u64;
    while position < destination {
        steps = steps.saturating_add(1);
        let opcode = code.get(position).copied().unwrap_or_default();
        let data = match opcode {
            PUSH1..=PUSH32 => usize::from(opcode.saturating_sub(PUSH1)).saturating_add(1),
            _ => 0,
        };
        position = position.saturating_add(1).saturating_add(data);
    }
    steps
}

/// Where the prover lets the walk begin.
fn proof_start(code: &[u8], destination: usize) -> usize {
    let mut candidate = destination;
    while let Some(start) = candidate.checked_sub(WINDOW) {
        let Some(window) = code.get(start..candidate) else {
            return 0;
        };
        // The last PUSH whose data reaches the candidate rules out every place after it as well.
        let reaching =
            window.iter().rev().zip(0u8..).position(|(byte, distance)| {
                (PUSH1.saturating_add(distance)..=PUSH32).contains(byte)
            });
        match reaching {
            None => return start,
            Some(distance) => candidate = candidate.saturating_sub(distance).saturating_sub(1),
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The prover's own way to the same place: forwards over the instructions.
    fn start_by_walking(code: &[u8], destination: usize) -> usize {
        let (mut position, mut start) = (0, 0);
        while position <= destination {
            let reachable = position >= WINDOW
                && (0..WINDOW).all(|i| {
                    let byte = code[position - 1 - i];
                    byte > PUSH32 || byte < PUSH1 + i as u8
                });
            if reachable {
                start = position - WINDOW;
            }
            position += 1;
            if (PUSH1..=PUSH32).contains(&code[position - 1]) {
                position += usize::from(code[position - 1] - PUSH1) + 1;
            }
        }
        start
    }

    #[test]
    fn plain_code_is_proven_from_one_window_back() {
        let code = [0x5b; 1_000];
        assert_eq!(proof_start(&code, 900), 868);
        assert_eq!(proof_steps(&code, 900), 32);
        assert_eq!(proof_steps(&code, 5), 5);
        assert_eq!(proof_steps(&code, 0), 0);
    }

    #[test]
    fn attack_push_data_makes_every_window_useless() {
        // PUSH1 0x7f, then one-byte instructions: seen alone, 0x7f reaches over each window's end.
        let mut code = Vec::new();
        for _ in 0..100 {
            code.extend([PUSH1, PUSH32]);
            code.extend([0x01; 28]);
        }
        code.push(0x5b);
        let destination = code.len() - 1;
        assert_eq!(proof_start(&code, destination), 0);
        assert_eq!(proof_steps(&code, destination), 100 * 29);
    }

    proptest! {
        #[test]
        fn prop_start_is_that_of_the_prover(
            code in proptest::collection::vec(
                prop_oneof![0u8..=255, Just(0x5b), Just(0x5b), Just(0x01), Just(0x60)], 1..400),
        ) {
            let mut position = 0;
            while position < code.len() {
                prop_assert_eq!(proof_start(&code, position), start_by_walking(&code, position));
                let byte = code[position];
                position += 1;
                if (PUSH1..=PUSH32).contains(&byte) {
                    position += usize::from(byte - PUSH1) + 1;
                }
            }
        }
    }
}
