//! How far a call is, told as its items end.

mod common;

use std::process;
use std::sync::mpsc;

use common::Watchdog;
use mp_pool::{Pool, Progress};

#[mp_process::test]
fn row_40_progress_is_told_for_each_item_whatever_becomes_of_it() {
    let _watchdog = Watchdog::new("row_40_progress_is_told_for_each_item_whatever_becomes_of_it");
    fn fate(n: u32) -> u32 {
        match n {
            10 => panic!("ten"),
            20 => process::abort(),
            n => n,
        }
    }
    let pool = Pool::new(2).unwrap();
    for chunk_size in [1, 7] {
        let (said, heard) = mpsc::channel::<Progress>();
        let (each, places) = mpsc::channel();
        let task = pool.task(fate).chunk_size(chunk_size);
        let task = task.on_item(move |place, _| each.send(place).unwrap());
        let results = task.progress(move |progress| said.send(progress).unwrap()).try_map(0..50);
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 48);
        // They end when the call is forgotten: after the last one.
        let told: Vec<_> = heard.iter().collect();
        assert!(told.iter().map(|progress| progress.done).eq(1..=50));
        assert!(told.windows(2).all(|pair| pair[0].failed <= pair[1].failed));
        assert!(told.iter().all(|progress| progress.total == Some(50)));
        assert!(told[49].is_complete() && !told[48].is_complete());
        assert_eq!(told[49].failed, 2);
        let mut places: Vec<_> = places.iter().collect();
        places.sort_unstable();
        assert!(places.into_iter().eq(0..50), "the other callback is called, too");
    }
}
