//! Random schemas and values for comparisons with an oracle: a seed comes in, and the same always comes out.

mod schemas;
mod shrink;
mod values;

pub use schemas::{Document, document};
pub use shrink::{smaller_schemas, smaller_values};
pub use values::{spell, value_near};

/// A source of numbers that look random: SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The source of a seed.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 when that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// Whether something happens that happens this often of a hundred times.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of some.
    ///
    /// # Panics
    /// When there are none.
    pub fn pick<'a, T>(&mut self, some: &'a [T]) -> &'a T {
        &some[self.below(some.len())]
    }

    /// Each of some with this chance.
    fn some<'a, T>(&mut self, all: &'a [T], percent: usize) -> Vec<&'a T> {
        all.iter().filter(|_| self.chance(percent)).collect()
    }
}
