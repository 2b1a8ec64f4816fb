//! A map of many entries whose copies share what they have in common: a changed copy costs what a small part of it does.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

/// At a million entries a part has a thousand, and so has the list of parts.
const PARTS: usize = 1024;

/// An entry lies at the place of its hash, or where that is taken at the next free one: found with one read of memory that
/// no cache holds, where a table that keeps its hashes apart needs two. At least half of the places are free.
type Part<K, V> = [Option<(K, V)>];

type Entries<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

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
        let hash = hash_of(key);
        let part = &self.parts[part_of(hash)];
        let mut taken = places(hash, part.len()).map_while(|place| part[place].as_ref());
        taken.find(|(other, _)| other == key).map(|(_, value)| value)
    }

    /// The same without the keys of `removed` and with `inserted`.
    pub fn changed(
        &self,
        removed: impl IntoIterator<Item = K>,
        inserted: impl IntoIterator<Item = (K, V)>,
    ) -> SharedMap<K, V> {
        let mut changed: HashMap<usize, Entries<K, V>> = HashMap::new();
        let before = |part: usize| self.parts[part].iter().flatten().cloned().collect();
        for key in removed {
            let part = part_of(hash_of(&key));
            changed.entry(part).or_insert_with(|| before(part)).remove(&key);
        }
        for (key, value) in inserted {
            let part = part_of(hash_of(&key));
            changed.entry(part).or_insert_with(|| before(part)).insert(key, value);
        }
        let mut parts = self.parts.to_vec();
        for (part, entries) in changed {
            parts[part] = table(entries);
        }
        SharedMap { parts: parts.into() }
    }
}

fn hash_of(key: &impl Hash) -> u64 {
    BuildHasherDefault::<IdHasher>::default().hash_one(key)
}

/// By other bits than those that say the place in it.
fn part_of(hash: u64) -> usize {
    (hash >> 40) as usize % PARTS
}

/// All places of a part of so many, a power of two or none, from that of the hash on.
fn places(hash: u64, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |step| (hash as usize).wrapping_add(step) & (count - 1))
}

fn table<K: Hash, V>(entries: Entries<K, V>) -> Arc<Part<K, V>> {
    let count = if entries.is_empty() { 0 } else { (2 * entries.len()).next_power_of_two() };
    let mut part: Vec<Option<(K, V)>> = (0..count).map(|_| None).collect();
    for (key, value) in entries {
        let free = places(hash_of(&key), count).find(|place| part[*place].is_none());
        if let Some(place) = free {
            part[place] = Some((key, value));
        }
    }
    part.into()
}

impl<K: Eq + Hash + Clone, V: Clone> Default for SharedMap<K, V> {
    fn default() -> SharedMap<K, V> {
        SharedMap { parts: (0..PARTS).map(|_| table(Entries::default())).collect() }
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

    #[test]
    fn what_hashes_alike_is_found_after_what_took_its_place_and_so_is_what_was_never_there() {
        #[derive(Clone, PartialEq, Eq, Debug)]
        struct Alike(u32);
        impl Hash for Alike {
            fn hash<H: Hasher>(&self, state: &mut H) {
                state.write_u64(u64::MAX);
            }
        }
        let all: SharedMap<Alike, u32> = (0..100).map(|key| (Alike(key), key)).collect();
        assert!((0..100).all(|key| all.get(&Alike(key)) == Some(&key)));
        assert_eq!(all.get(&Alike(100)), None);
        let odd = all.changed((0..100).step_by(2).map(Alike), [(Alike(1), 7)]);
        assert_eq!((odd.get(&Alike(0)), odd.get(&Alike(1)), odd.get(&Alike(99))), (None, Some(&7), Some(&99)));
        assert_eq!(odd.changed((0..100).map(Alike), []).get(&Alike(1)), None);
    }
}
