//! Chance that can be repeated: a seed gives the same schemas and values everywhere.

use event_api_spec::schema::Dialect;

/// A generator of numbers (xorshift64*).
pub(crate) struct Random {
    state: u64,
    /// What a schema may refer to where it stands: never itself, for that means nothing.
    pub(crate) references: &'static [&'static str],
    pub(crate) dialect: Dialect,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, references: &[], dialect: Dialect::Draft7 }
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    /// Once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn one<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }
}
