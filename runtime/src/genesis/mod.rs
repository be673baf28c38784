//! What the first block contains.

pub mod bridge;
pub mod predeploys;
pub mod presets;
