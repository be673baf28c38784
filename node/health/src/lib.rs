//! # Health of a daemon
//! `GET /metrics` gives what a daemon counts in the text format of Prometheus; `GET /health` answers 200 while its
//! last successful round is young enough, and 503 after that. A thread of its own, no dependencies: it answers even
//! when the daemon hangs, which is when one asks.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Longest request line that is read, in bytes.
const MAX_LINE_BYTES: u64 = 1_024;

/// How long a client may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What a daemon tells of itself; clones share it.
#[derive(Clone, Debug)]
pub struct Health {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    patience: Duration,
    succeeded: Instant,
    values: BTreeMap<&'static str, u64>,
}

impl Health {
    /// A daemon that just started and is healthy until it has had no success for `patience`.
    pub fn new(patience: Duration) -> Self {
        let state = State { patience, succeeded: Instant::now(), values: BTreeMap::new() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics with it, and numbers cannot be half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a round that did all there was to do.
    pub fn succeed(&self) {
        self.state().succeeded = Instant::now();
    }

    /// Adds to a counter; `name` is that of the metric, with the unit at its end.
    pub fn add(&self, name: &'static str, count: u64) {
        let mut state = self.state();
        let value = state.values.entry(name).or_default();
        *value = value.saturating_add(count);
    }

    /// Sets a gauge.
    pub fn set(&self, name: &'static str, value: u64) {
        self.state().values.insert(name, value);
    }

    /// Answers requests at `address` from now on, in the background. Returns the address that was bound.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub fn serve(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address)?;
        let bound = listener.local_addr()?;
        let health = self.clone();
        std::thread::Builder::new().name("health".into()).spawn(move || {
            // A client that goes away is its own concern.
            listener.incoming().flatten().for_each(|stream| drop(health.answer(stream)));
        })?;
        Ok(bound)
    }

    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let mut line = String::new();
        BufReader::new((&stream).take(MAX_LINE_BYTES)).read_line(&mut line)?;
        let (status, body) = match line.split(' ').nth(1) {
            Some("/metrics") => ("200 OK", self.metrics()),
            Some("/health") if self.is_healthy() => ("200 OK", "healthy\n".into()),
            Some("/health") => ("503 Service Unavailable", "no success for too long\n".into()),
            _ => ("404 Not Found", "/metrics or /health\n".into()),
        };
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        )
    }

    fn is_healthy(&self) -> bool {
        let state = self.state();
        state.succeeded.elapsed() <= state.patience
    }

    fn metrics(&self) -> String {
        let state = self.state();
        let age = state.succeeded.elapsed().as_secs();
        let mut text = format!("bzk_last_success_age_seconds {age}\n");
        for (name, value) in &state.values {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name} {value}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = String::new();
        // The rest of the request is not read, so the end may be a reset.
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    fn any_port() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    #[test]
    fn counters_are_shown() {
        let health = Health::new(Duration::from_secs(60));
        let address = health.serve(any_port()).unwrap();
        health.add("bzk_test_rounds_total", 2);
        health.add("bzk_test_rounds_total", 3);
        health.set("bzk_test_height", 7);
        let answer = get(address, "/metrics");
        assert!(answer.contains("\nbzk_test_height 7\nbzk_test_rounds_total 5\n"), "{answer}");
        assert!(get(address, "/").starts_with("HTTP/1.1 404"));
    }

    #[test]
    fn daemon_without_success_is_not_healthy() {
        let limit = Duration::from_secs(60);
        let health = Health::new(limit);
        let address = health.serve(any_port()).unwrap();
        assert!(get(address, "/health").starts_with("HTTP/1.1 200"));
        health.state().succeeded -= 2 * limit;
        assert!(get(address, "/health").starts_with("HTTP/1.1 503"));
        health.succeed();
        assert!(get(address, "/health").starts_with("HTTP/1.1 200"));
    }
}
