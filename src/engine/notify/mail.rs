//! E-mail through a server that somebody has named.
//!
//! The client is `lettre`: who writes mail by hand gets the encoding of headers wrong, and lets a name write headers of its
//! own.

use std::time::SystemTime;

use lettre::address::AddressError;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Message as Mail, SmtpTransport, Transport as _};

use super::quoted::quoted;
use super::reach::{Ready, Refused};
use crate::certificates::Distrust;
use crate::domain::activity::Severity;
use crate::domain::notify::{self, MailTls, Parcel};
use crate::domain::printable;

/// So much of what a server says is told.
const TOLD: usize = 500;

pub(super) async fn send(to: &Ready, parcel: &Parcel) -> Result<String, Refused> {
    let mail = written(to, parcel)?;
    let of_thread = to.clone();
    let sending = tokio::task::spawn_blocking(move || {
        let transport = transport(&of_thread)?;
        transport.send(&mail).map_err(|error| refused(&of_thread, &error))
    });
    let answer = sending.await.map_err(|_| Refused::lost())??;
    let said: Vec<_> = answer.message().collect();
    Ok(format!(
        "it answered {} {}",
        answer.code(),
        quoted(to, None, &said.join(" "), TOLD)
    ))
}

/// The mail. Subject and addresses are one line each, whatever was in a name.
fn written(to: &Ready, parcel: &Parcel) -> Result<Mail, Refused> {
    let settings = &to.settings;
    let mailbox = |text: &str| -> Result<Mailbox, Refused> {
        let parsed: Result<Mailbox, AddressError> = text.parse();
        parsed.map_err(|error| Refused::now(format!("\"{text}\" is no address of e-mail: {error}")))
    };
    let from = mailbox(settings.from.as_deref().unwrap_or_default())?;
    let domain = from.email.domain().to_owned();
    let subject = format!("[{}] {}", parcel.severity().label(), notify::subject(parcel));
    let mut mail = Mail::builder()
        .from(from)
        .date(SystemTime::from(parcel.sent))
        .message_id(Some(format!("<lifeboat-{}@{domain}>", parcel.id)))
        .subject(printable::line(&subject).into_owned())
        .header(ContentType::TEXT_PLAIN);
    for address in &settings.to {
        mail = mail.to(mailbox(address)?);
    }
    let mut text = notify::plain_text(parcel);
    text.push_str("\nSent by Lifeboat.\n");
    let mut mail = mail
        .body(text)
        .map_err(|error| Refused::now(format!("the mail could not be written: {error}")))?;
    // No mailbox that is away answers to what a machine has written.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    mail.headers_mut()
        .insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
    if parcel.severity() == Severity::Critical {
        let importance = HeaderName::new_from_ascii_str("Importance");
        mail.headers_mut()
            .insert_raw(HeaderValue::new(importance, "high".to_owned()));
    }
    Ok(mail)
}

fn transport(to: &Ready) -> Result<SmtpTransport, Refused> {
    let settings = &to.settings;
    let server = settings.server.as_deref().unwrap_or_default();
    let how = settings.tls.unwrap_or_default();
    let tls = match how {
        MailTls::None => Tls::None,
        MailTls::Starttls => Tls::Required(encryption(to, server)?),
        MailTls::Tls => Tls::Wrapper(encryption(to, server)?),
    };
    let mut transport = SmtpTransport::builder_dangerous(server)
        .port(settings.port.unwrap_or_else(|| how.port()))
        .timeout(Some(settings.limit.duration()))
        .tls(tls);
    if let (Some(user), Some(password)) = (&settings.user, &to.password) {
        transport = transport.credentials(Credentials::new(user.clone(), password.clone()));
    }
    Ok(transport.build())
}

/// How the server is believed: by the certificates of this machine, and those that were named.
fn encryption(to: &Ready, server: &str) -> Result<TlsParameters, Refused> {
    let unusable = |why: String| Refused::now(format!("its ca_file cannot be used: {why}"));
    let mut encryption = TlsParameters::builder(server.to_owned());
    if let Some(text) = &to.authorities {
        let authority = Certificate::from_pem(text).map_err(|error| unusable(error.to_string()))?;
        encryption = encryption.add_root_certificate(authority);
    }
    encryption
        .build_rustls()
        .map_err(|error| Refused::now(format!("the encryption cannot be prepared: {error}")))
}

fn refused(to: &Ready, error: &lettre::transport::smtp::Error) -> Refused {
    let server = to.settings.server.as_deref().unwrap_or_default();
    let trust = "name the certificate of its issuer as ca_file of the receiver";
    if let Some(distrust) = Distrust::of(error, server, trust) {
        return Refused::now(distrust.to_string());
    }
    // What a server says of an account is not about the mail.
    let about_account = ["530", "534", "535", "538"];
    let code = error.status().map(|code| code.to_string());
    let is_about_account = code.as_deref().is_some_and(|code| about_account.contains(&code));
    let mut why = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if !why.contains(&inner.to_string()) {
            why = format!("{why}: {inner}");
        }
        cause = inner.source();
    }
    Refused {
        why: format!("{server} did not take the mail: {}", quoted(to, None, &why, TOLD)),
        is_about_message: error.is_permanent() && !is_about_account,
    }
}
