"""Parts of names of companies and people; ASCII where they become e-mail addresses."""

from __future__ import annotations

_WORDS = {
    "first": "Atelier Brasserie Cartonnerie Domaine Fonderie Garage Imprimerie Librairie Maison "
    "Papeterie Quincaillerie Studio Tannerie Usine Verrerie Northgate Harbour Crown Meridian "
    "Silverline Kestrel Larkspur Umeda Sakura Hoshi Salmiya Marwa Adler Falken Linden Nordlys",
    "last": "Dubail Mercier Lambert Rochefort Belleville Vasseur Logistics Foods Textiles Optics "
    "Robotics Printing Marine Kogyo Shoji Denki Trading Holding Werke Möbel Ingénierie Søn",
    "given": "Anna Ben Chloe Dmitri Elif Farid Grace Hugo Ines Jonas Kenji Lina Marta Noor Omar",
    "family": "Roux Ortega Ito Vance Stone Haddad Meyer Costa Novak Sato O'Neil Berg Duval",
}
FIRST, LAST, GIVEN, FAMILY = (text.split() for text in _WORDS.values())

ROLES = ("ACCOUNTING", "PAYER", "PURCHASER", "SALES", None)
PLACES = (
    ("25 Passage Dubail", "75010", "Paris", "France"),
    ("9 Rue du Port", "69003", "Lyon", "France"),
    ("14 High Street", "LS1 4DY", "Leeds", "United Kingdom"),
    ("3 Hauptstraße", "10115", "Berlin", "Germany"),
    ("1-2 Sakura-dori", "530-0001", "Osaka", "Japan"),
    ("Block 4, Salem Street", "22001", "Salmiya", "Kuwait"),
    ("350 5th Avenue", "10118", "New York", "United States"),
)
SUBJECTS = ("Consulting", "Licences", "Delivery", "Hosting", "Repair", "Subscription", None)
METHODS = ("WIRE_TRANSFER", "WIRE_TRANSFER", "DIRECT_DEBIT", "CARD", "CHECK", "CASH")
CURRENCIES = ("EUR", "USD", "GBP", "JPY", "KWD")
CURRENCY_WEIGHTS = (54, 22, 12, 7, 5)
