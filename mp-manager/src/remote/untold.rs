//! Nobody is told what becomes of those who connect.

use std::fmt::Display;

pub(super) fn refused(_peer: &str, _reason: &dyn Display) {}

pub(super) fn admitted(_peer: &str) {}

pub(super) fn sent_off(_peer: &str, _reason: &dyn Display) {}
