//! A web service whose requests are computed by a pool: none can block, or crash, the others.
//!
//! ```text
//! cargo run --example web_service        # says where it listens
//! curl http://127.0.0.1:PORT/factors/600851475143
//! curl http://127.0.0.1:PORT/crash       # costs a worker, and this one answer
//! ```

use std::io;
use std::sync::Arc;
use std::time::Duration;

use mp::TaskErrorKind;
use multiprocess as mp;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Each prime factor of a number, by trying all.
fn factors(mut n: u64) -> Vec<u64> {
    let mut found = Vec::new();
    let mut divisor = 2;
    while n > 1 {
        while n.is_multiple_of(divisor) {
            found.push(divisor);
            n /= divisor;
        }
        divisor += 1;
    }
    found
}

/// The answer to a path: status and text.
async fn answer(pool: &mp::Pool, path: &str) -> (&'static str, String) {
    let result = if path == "/crash" {
        pool.submit(|| std::process::abort(), ()).await.map(|()| String::new())
    } else {
        let number = path.strip_prefix("/factors/").map(str::parse);
        let Some(Ok(n)) = number else { return ("404 Not Found", "no such page".into()) };
        // The future is awaited; no thread waits.
        let task = pool.task(factors).deadline(Duration::from_secs(2));
        task.submit((n,)).await.map(|factors| format!("{factors:?}"))
    };
    match result {
        Ok(text) => ("200 OK", text),
        Err(error) if matches!(error.kind, TaskErrorKind::TimedOut { .. }) => {
            ("504 Gateway Timeout", error.kind.to_string())
        }
        Err(error) => ("500 Internal Server Error", error.kind.to_string()),
    }
}

/// Answers one request, and closes the connection.
async fn serve(pool: Arc<mp::Pool>, mut stream: TcpStream) -> io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut lines = BufReader::new(reader.take(8192)).lines();
    let request = lines.next_line().await?.unwrap_or_default();
    while lines.next_line().await?.is_some_and(|header| !header.is_empty()) {}
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (status, text) = answer(&pool, path).await;
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", text.len() + 1);
    writer.write_all(format!("{head}Connection: close\r\n\r\n{text}\n").as_bytes()).await
}

#[mp::main]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Arc::new(mp::Pool::builder().build()?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(Arc::clone(&pool), stream));
    }
}
