//! As much of HTTP as a proxy of the tests needs: where a request or an answer ends, and what its head says.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request or an answer, as it came.
pub struct Message {
    bytes: Vec<u8>,
    head: String,
}

impl Message {
    /// The method and the path of a request.
    pub fn asked(&self) -> (String, String) {
        let mut first = self.head.lines().next().unwrap().split(' ');
        let method = first.next().unwrap().to_owned();
        let target = first.next().unwrap();
        (method, target.split('?').next().unwrap().to_owned())
    }

    pub fn header(&self, name: &str) -> Option<String> {
        header(&self.head, name)
    }

    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.to_owned())
}

/// A connection, and what has been read from it beyond the last message.
pub struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    pub fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// The next request or answer, which has to say how long it is; `None` when the other side has gone.
    pub async fn next(&mut self) -> Option<Message> {
        let end = loop {
            if let Some(end) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8(self.read[..end].to_vec()).unwrap();
        assert_eq!(header(&head, "transfer-encoding"), None, "{head}");
        let length = header(&head, "content-length");
        let length = length.map_or(0, |length| length.parse::<usize>().unwrap());
        while self.read.len() < end + length {
            self.more().await?;
        }
        let bytes = self.read.drain(..end + length).collect();
        Some(Message { bytes, head })
    }

    async fn more(&mut self) -> Option<()> {
        let read = self.stream.read_buf(&mut self.read).await.ok()?;
        (read > 0).then_some(())
    }

    /// Writes bytes. `None` when the other side has gone.
    pub async fn write(&mut self, bytes: &[u8]) -> Option<()> {
        self.stream.write_all(bytes).await.ok()
    }

    /// Waits until the other side begins to say something.
    pub async fn begins(&self) -> Option<()> {
        let there = self.stream.peek(&mut [0]).await.ok()?;
        (there > 0).then_some(())
    }

    /// Passes on everything that comes from either side, until one has gone.
    pub async fn join(&mut self, other: &mut Self) -> Option<()> {
        let copied = tokio::io::copy_bidirectional(&mut self.stream, &mut other.stream).await;
        copied.ok().map(|_| ())
    }

    /// Passes on what the other side says but for the last bytes of it, and waits for ever then: that it is over stands there.
    pub async fn gets_all_but_the_end(&mut self, other: &mut Self) -> Option<()> {
        const END: usize = b"0\r\n\r\n".len();
        loop {
            let ready = other.read.len().saturating_sub(END);
            let bytes: Vec<u8> = other.read.drain(..ready).collect();
            self.write(&bytes).await?;
            if other.more().await.is_none() {
                return std::future::pending().await;
            }
        }
    }
}
