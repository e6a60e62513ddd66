"""Who the user knows: the list, finding in it, and taking it over from elsewhere."""

from platypus.contacts.book import Book, Contact, Number, default_path
from platypus.contacts.csv import from_csv
from platypus.contacts.vcard import from_vcard

__all__ = ["Book", "Contact", "Number", "default_path", "from_csv", "from_vcard"]
