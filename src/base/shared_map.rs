//! A map of many entries whose copies share what they have in common: a changed copy costs what a small part of it does.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

/// At a million entries a part has a thousand, and so has the list of parts.
const PARTS: usize = 1024;

type Part<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Never changed; [`SharedMap::changed`] makes another one. Its keys are ids that this server has drawn: nobody can choose
/// such as hash alike.
#[derive(Clone, Debug)]
pub struct SharedMap<K, V> {
    parts: Arc<[Arc<Part<K, V>>]>,
}

/// Of an id, which is random already: one multiplication spreads it over all bits.
#[derive(Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_u128(&mut self, number: u128) {
        self.write_u64(number as u64 ^ (number >> 64) as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl<K: Eq + Hash + Clone, V: Clone> SharedMap<K, V> {
    pub fn get(&self, key: &K) -> Option<&V> {
        self.parts[Self::part(key)].get(key)
    }

    /// The same without the keys of `removed` and with `inserted`.
    pub fn changed(
        &self,
        removed: impl IntoIterator<Item = K>,
        inserted: impl IntoIterator<Item = (K, V)>,
    ) -> SharedMap<K, V> {
        let mut parts: Vec<_> = self.parts.to_vec();
        for key in removed {
            Arc::make_mut(&mut parts[Self::part(&key)]).remove(&key);
        }
        for (key, value) in inserted {
            Arc::make_mut(&mut parts[Self::part(&key)]).insert(key, value);
        }
        SharedMap { parts: parts.into() }
    }

    fn part(key: &K) -> usize {
        // Other bits than those by which a part finds its entries.
        (BuildHasherDefault::<IdHasher>::default().hash_one(key) >> 40) as usize % PARTS
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Default for SharedMap<K, V> {
    fn default() -> SharedMap<K, V> {
        SharedMap { parts: (0..PARTS).map(|_| Arc::default()).collect() }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> FromIterator<(K, V)> for SharedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> SharedMap<K, V> {
        SharedMap::default().changed([], entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_copy_leaves_the_other_as_it_was() {
        let one: SharedMap<u32, &str> = (0..5_000).map(|key| (key, "one")).collect();
        let other = one.changed([7], [(8, "other"), (9_999, "new")]);
        assert_eq!((one.get(&7), one.get(&8), one.get(&9_999)), (Some(&"one"), Some(&"one"), None));
        assert_eq!((other.get(&7), other.get(&8), other.get(&9_999)), (None, Some(&"other"), Some(&"new")));
        assert!((0..5_000).filter(|key| ![7, 8].contains(key)).all(|key| other.get(&key) == Some(&"one")));
        let shared = one.parts.iter().zip(other.parts.iter()).filter(|(one, other)| Arc::ptr_eq(one, other)).count();
        assert!(shared >= PARTS - 3, "{shared} parts are shared");
    }
}
