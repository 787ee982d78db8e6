// What an error of the system means to somebody who wanted to reach a server.

export function causeOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "ECONNREFUSED":
      return "nothing listens there";
    case "ECONNRESET":
    case "EPIPE":
      return "the connection was reset";
    case "ETIMEDOUT":
      return "nothing comes back";
    case "ENETUNREACH":
    case "EHOSTUNREACH":
      return "this host has no route to it";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "this host finds no address of that name";
    case "EACCES":
    case "EPERM":
      return "this host's firewall forbids it";
    case "EADDRNOTAVAIL":
      return "this host has no address to ask from";
    case "EMFILE":
    case "ENFILE":
      return "too many files are open; raise LimitNOFILE in the unit";
    case "EINVAL":
      return "it cannot be asked; a link-local address needs its interface, as in fe80::1%eth0";
    default:
      return error.code ?? error.message;
  }
}
