//! How often a key was asked for lately, approximately: a count-min sketch of four rows of counters up to 15, halved
//! from time to time (TinyLFU: Einziger, Friedman and Manes 2017).

use crate::base::hash;

const ROWS: u64 = 4;
const MOST: u8 = 15;

/// The sketch.
#[derive(Clone, Debug)]
pub struct Sketch {
    counters: Vec<u8>,
    mask: u64,
    noted: u64,
    /// After so many notes all counters are halved.
    period: u64,
}

impl Sketch {
    /// For a cache of so many entries; bounded to a million counters a row.
    pub fn new(capacity: u64) -> Sketch {
        let width = (capacity.clamp(16, 1 << 20) * 4).next_power_of_two();
        Sketch {
            counters: vec![0; (width * ROWS) as usize],
            mask: width - 1,
            noted: 0,
            period: capacity.clamp(16, 1 << 20) * 10,
        }
    }

    /// Whether so many entries are more than it was made for.
    pub fn is_too_small(&self, entries: usize) -> bool {
        entries as u64 * 10 > self.period && self.period < (1 << 20) * 10
    }

    fn place(&self, key: u64, row: u64) -> usize {
        (row * (self.mask + 1) + (hash::mix2(key, row) & self.mask)) as usize
    }

    /// A key was asked for.
    pub fn note(&mut self, key: u64) {
        for row in 0..ROWS {
            let place = self.place(key, row);
            if self.counters[place] < MOST {
                self.counters[place] += 1;
            }
        }
        self.noted += 1;
        if self.noted >= self.period {
            self.noted /= 2;
            for counter in &mut self.counters {
                *counter /= 2;
            }
        }
    }

    /// How often, at most `MOST`.
    pub fn estimate(&self, key: u64) -> u8 {
        (0..ROWS).map(|row| self.counters[self.place(key, row)]).min().unwrap_or(0)
    }
}
