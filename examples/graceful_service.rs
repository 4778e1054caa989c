//! A service that ends well: at SIGTERM or Ctrl-C it takes no more orders, and serves all it has taken.
//!
//! ```text
//! cargo run --example graceful_service    # end it by Ctrl-C, or `kill` the pid that it says
//! ```

use std::time::Duration;

use mp::{Event, Receiver, Sender};
use multiprocess as mp;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Takes orders until it is told to stop; returns how many. When it returns, the last sender is
/// gone, which those who receive are told after the last order.
fn take_orders(orders: Sender<u64>, stop: Event) -> u64 {
    let mut taken = 0;
    loop {
        orders.send(taken).unwrap();
        taken += 1;
        if stop.wait_timeout(Duration::from_millis(1)) {
            return taken;
        }
    }
}

/// Serves orders until there are no more; returns how many.
fn serve(orders: Receiver<u64>) -> u64 {
    let mut served = 0;
    for order in orders {
        std::thread::sleep(Duration::from_millis(3));
        served += 1;
        if order % 50 == 0 {
            println!("order {order} is served");
        }
    }
    served
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let (sender, receiver) = mp::sync_channel(1000)?;
    let stop = Event::new()?;
    // In groups of their own: Ctrl-C of a terminal goes to this process alone.
    let own_group = || mp::Process::builder().process_group(0);
    let counter = own_group().spawn(take_orders, (sender, stop.clone()))?;
    let kitchen = [(); 2].map(|()| own_group().spawn(serve, (receiver.clone(),)));
    drop(receiver);
    println!("serving, with pid {}", std::process::id());

    signals.forever().next();
    stop.set();
    let taken = counter.join()?;
    let mut served = 0;
    for cook in kitchen {
        served += cook?.join()?;
    }
    println!("taken: {taken}");
    println!("served: {served}");
    Ok(())
}
