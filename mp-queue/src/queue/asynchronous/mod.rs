//! Queues and channels in asynchronous code.
//!
//! A task tries what it wants to do, without waiting. If that is not possible it asks for a
//! [bell](crate::store), tries once more, and leaves the rest to the runtime's own poll: there is no
//! thread behind it, and nothing runs while it waits, but for a look after each slice, as in all
//! waits here. What is taken, or put, is so within one poll of the future. So to drop a future that
//! has not ended is to have done nothing.

mod get;
mod join;
mod put;
mod sink;
mod stream;
mod waiting;

pub use sink::SendSink;
pub use stream::RecvStream;

use waiting::Waiting;
