//! What the first block contains.

pub mod predeploys;
pub mod presets;
