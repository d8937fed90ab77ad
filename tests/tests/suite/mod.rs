//! The parts of the suite's runner.

pub(crate) mod exceptions;
pub(crate) mod formats;
pub(crate) mod tally;
