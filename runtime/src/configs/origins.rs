//! The origins of governance; see [`crate::governance`].

use crate::{governance::origins, Runtime};

impl origins::Config for Runtime {}
