//! The map against another one that does the same more slowly.

use indexmap::IndexMap;

use super::{Key, OrderedMap};

/// Numbers without a pattern, the same in each run.
fn random(state: &mut u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
}

fn entries(map: &OrderedMap<u64>) -> Vec<(Key, u64)> {
    map.iter().map(|(_, key, value)| (key.into(), *value)).collect()
}

#[test]
fn it_does_what_an_index_map_does() {
    let mut state = 42;
    for range in [3, 50, 400] {
        let mut map = OrderedMap::default();
        let mut model = IndexMap::<Key, u64>::new();
        for step in 0..20_000_u64 {
            let key: Key = (random(&mut state) % range).to_le_bytes().into();
            match random(&mut state) % 16 {
                0..6 => assert_eq!(map.insert(&key, step), model.insert(key, step)),
                6..11 => assert_eq!(map.remove(&key), model.shift_remove(&key)),
                11 => assert_eq!(map.pop_last(), model.pop()),
                12 => assert_eq!(map.pop_first(), model.shift_remove_index(0)),
                13 => assert_eq!(map.contains(&key), model.contains_key(&key)),
                14 if step % 1000 == 0 => {
                    map.clear();
                    model.clear();
                }
                _ => assert_eq!(map.get(&key), model.get(&key)),
            }
            assert_eq!(map.len(), model.len());
            if step % 64 == 0 {
                assert_eq!(entries(&map), model.clone().into_iter().collect::<Vec<_>>());
            }
        }
    }
}

#[test]
fn a_reader_goes_on_behind_what_it_has_seen() {
    let mut map = OrderedMap::default();
    for n in 0..1000_u64 {
        map.insert(&n.to_le_bytes(), n);
    }
    let (number, _, _) = map.iter().nth(499).unwrap();
    // So many holes that the row is moved together.
    for n in (0..1000_u64).filter(|n| n % 4 != 1) {
        map.remove(&n.to_le_bytes());
    }
    let rest: Vec<u64> = map.iter_behind(number).map(|(_, _, value)| *value).collect();
    assert_eq!(rest, (500..1000).filter(|n| n % 4 == 1).collect::<Vec<_>>());
}
