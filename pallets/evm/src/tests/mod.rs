//! Tests of the pallet; each ends with a check of all its invariants.

mod accounts;
mod commit;
mod contracts;
mod genesis;
mod invariants;
mod properties;
mod trie_key;
