"""Who a profile's person is to the shop: contacts, devices, consents, habits, carts; a pure fold of its facts."""

from service.customers.customer import MESSENGERS, Customer, CustomerRules, customer
from service.customers.devices import Device, PushToken
from service.customers.names import device_of
from service.customers.regulars import Regulars
from service.customers.sightings import Known

__all__ = [
    "MESSENGERS",
    "Customer",
    "CustomerRules",
    "Device",
    "Known",
    "PushToken",
    "Regulars",
    "customer",
    "device_of",
]
