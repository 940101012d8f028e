//! Hashes that are the same on every machine and in every version: a key's shard is part of a result.

/// Mix 64 bits so that each input bit changes about half of the output bits (finaliser of SplitMix64: Steele, Lea and
/// Flood, "Fast splittable pseudorandom number generators", 2014).
#[inline]
pub fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Mix two numbers into one.
#[inline]
pub fn mix2(a: u64, b: u64) -> u64 {
    mix(mix(a) ^ b)
}

/// A hash as a number from 0 up to, but not including, 1.
#[inline]
pub fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

/// Hash a name (FNV-1a, then mixed).
pub fn name(s: &str) -> u64 {
    let fnv = s.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01B3));
    mix(fnv)
}

/// A hasher for maps whose keys are integers that are looked up, never iterated. It needs no protection against chosen
/// keys, and a fixed seed keeps memory layout the same from run to run.
#[derive(Clone, Copy, Default)]
pub struct IntHasher(u64);

impl std::hash::Hasher for IntHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.write_u64(u64::from(b));
        }
    }
    #[inline]
    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }
    #[inline]
    fn write_u64(&mut self, n: u64) {
        self.0 = mix(self.0 ^ n);
    }
}

/// A map from integers; iterating it is forbidden in the core, because its order means nothing.
pub type IntMap<K, V> = hashbrown::HashMap<K, V, std::hash::BuildHasherDefault<IntHasher>>;
