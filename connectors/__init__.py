"""One module per protocol, never per partner: SFTP, REST, SOAP, and the asynchronous open API of receivers."""
