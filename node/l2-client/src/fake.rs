//! A node that answers as a test wants.

use serde_json::{json, Value};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// Methods with their parameters, in the order in which they were called.
type Calls = Arc<Mutex<Vec<(String, Value)>>>;

/// A JSON-RPC server that runs until the process ends.
pub(crate) struct Fake {
    url: String,
    calls: Calls,
}

impl Fake {
    /// Answers each method with a result or with an error object.
    pub(crate) fn start(
        answer: impl Fn(&str, &Value) -> Result<Value, Value> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Calls::default();
        let heard = Arc::clone(&calls);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let Some(request) = request(&stream) else { continue };
                let method = request["method"].as_str().unwrap().to_owned();
                let mut body = json!({ "jsonrpc": "2.0", "id": request["id"] });
                match answer(&method, &request["params"]) {
                    Ok(result) => body["result"] = result,
                    Err(error) => body["error"] = error,
                }
                heard.lock().unwrap().push((method, request["params"].clone()));
                let body = body.to_string();
                let head = format!("content-length: {}\r\nconnection: close", body.len());
                // Who went away hears nothing.
                let _ = write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}");
            }
        });
        Self { url, calls }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The parameters of each call of `method`.
    pub(crate) fn asked(&self, method: &str) -> Vec<Value> {
        let calls = self.calls.lock().unwrap();
        let named = calls.iter().filter(|(called, _)| called == method);
        named.map(|(_, params)| params.clone()).collect()
    }
}

/// The body of a request.
fn request(stream: &TcpStream) -> Option<Value> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
