//! A large argument, given to a task and back.

use anyhow::{Result, ensure};
use mp_pool::Pool;

use super::WORKERS;
use crate::row::{Better, Row, Scale, System};
use crate::rows::{python, seconds};

pub(super) fn rows(scale: Scale) -> Vec<Row> {
    let size = scale.of(64 << 20);
    let gigabytes = move |seconds: f64| size as f64 / seconds / 1e9;
    let systems = vec![
        System::new("ours", move || {
            let pool = Pool::new(WORKERS)?;
            Ok(measure(size, move |bytes| Ok(pool.apply(echo, (bytes,))?)))
        }),
        System::new("procspawn", move || {
            let pool = procspawn::Pool::new(WORKERS)?;
            Ok(measure(size, move |bytes| Ok(pool.spawn(bytes, echo).join()?)))
        }),
        python("CPython Pool", "pool.pool_echo", [size], gigabytes),
        python("CPython Executor", "pool.executor_echo", [size], gigabytes),
    ];
    vec![Row {
        name: "echo-64m".into(),
        about: "64 MiB as an argument, and back as the result".into(),
        unit: "GB/s",
        better: Better::Higher,
        ballast: 0,
        systems,
    }]
}

fn echo(bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

fn measure(
    size: usize,
    mut there_and_back: impl FnMut(Vec<u8>) -> Result<Vec<u8>>,
) -> impl FnMut() -> Result<f64> {
    move || {
        let bytes = vec![7; size];
        let mut back = Vec::new();
        let taken = seconds(|| {
            back = there_and_back(bytes)?;
            Ok(())
        })?;
        ensure!(back.len() == size, "{} bytes came back", back.len());
        Ok(size as f64 / taken / 1e9)
    }
}
